// Numbers, times and states in the same words everywhere.

const NONE = "–";

export const count = (value) => (value == null ? NONE : Math.round(value).toLocaleString("en"));
export const number = (value, digits = 1) => (value == null || Number.isNaN(value) ? NONE : value.toFixed(digits));
export const percent = (value) => (value == null ? NONE : `${value.toFixed(0)} %`);
export const seconds = (value) => (value == null ? NONE : `${value.toFixed(2)} s`);
// 1 lap, 2 laps
export const several = (amount, one) => `${count(amount)} ${one}${amount === 1 ? "" : "s"}`;
export const size = (bytes) => (bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`);
export const date = (at) => new Date(at * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

// 42 s, 3 min 05 s, 2 h 07 min, as in the terminal
export function duration(value) {
  if (value == null) return NONE;
  const whole = Math.round(value);
  const two = (part) => String(part).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

// A number with about three digits, for small and large values alike
export function brief(value) {
  if (value == null || Number.isNaN(value)) return NONE;
  const magnitude = Math.abs(value);
  if (magnitude >= 1000) return count(value);
  if (magnitude >= 100) return value.toFixed(0);
  if (magnitude >= 1 || value === 0) return value.toFixed(magnitude >= 10 ? 1 : 2);
  return value.toPrecision(2);
}
