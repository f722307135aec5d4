"""The page of a report: HTML with everything in it, for light and dark, paper, phones and screen readers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from drcli.watch.figures.drawing import style_sheet

_CSS = """
:root{--font:system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif;color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 var(--font)}
main,header,nav{max-width:76rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.5rem}
h1{margin:0;font-size:1.7rem;overflow-wrap:anywhere} h2{margin:2.5rem 0 .5rem;font-size:1.35rem;overflow-wrap:anywhere}
h3{margin:0;font-size:1.05rem}
p{margin:.25rem 0} .faint,figcaption{color:var(--faint)} a{color:var(--blue)}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;padding:0;margin:.75rem 0}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,32rem),1fr));gap:1.25rem 2rem}
.grid{align-items:start}
figure{margin:0;min-width:0;break-inside:avoid} figure svg{display:block;width:100%;height:auto;max-height:44rem}
figcaption{font-size:.875rem}
.wide{overflow-x:auto} table{border-collapse:collapse;font-size:.925rem;margin:.5rem 0}
caption{text-align:left;color:var(--faint);padding-bottom:.25rem}
th,td{padding:.3rem .9rem .3rem 0;border-bottom:1px solid var(--grid);text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.facts td{overflow-wrap:anywhere;min-width:8rem} .wide :is(td,th){white-space:nowrap}
@media print{nav{display:none} body{font-size:10pt} .grid{grid-template-columns:1fr 1fr}}
"""


def page(title: str, made: str, sections: Sequence[tuple[str, str]]) -> str:
    """The document; sections: heading and content of each, as HTML."""
    links = "".join(
        f'<li><a href="#part-{number}">{escape(name)}</a></li>' for number, (name, _) in enumerate(sections)
    )
    parts = "".join(
        f'<section aria-labelledby="part-{number}"><h2 id="part-{number}">{escape(name)}</h2>{content}</section>'
        for number, (name, content) in enumerate(sections)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style_sheet()}{_CSS}</style></head><body>"
        f'<header><h1>{escape(title)}</h1><p class="faint">{escape(made)}</p></header>'
        f'<nav aria-label="Parts of this page"><ul>{links}</ul></nav><main>{parts}</main></body></html>\n'
    )


def grid(parts: Sequence[str]) -> str:
    """Parts side by side where there is room."""
    return f'<div class="grid">{"".join(parts)}</div>'


def picture(title: str, shows: str, svg: str, alt: str) -> str:
    """A drawing with its title, what it shows, and for those who do not see it what is in it."""
    image = svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)
    return f"<figure><h3>{escape(title)}</h3>{image}<figcaption>{escape(shows)}</figcaption></figure>"


def missing(title: str, reason: str) -> str:
    """What stands where a drawing would be."""
    return f'<figure><h3>{escape(title)}</h3><p class="faint">Not drawn: {escape(reason)}.</p></figure>'


def facts_table(caption: str, facts: Mapping[str, object]) -> str:
    """Names on the left, values on the right."""
    rows = "".join(f'<tr><th scope="row">{escape(n)}</th><td>{_cell(v)}</td></tr>' for n, v in facts.items())
    return f'<table class="facts"><caption>{escape(caption)}</caption><tbody>{rows}</tbody></table>'


def rows_table(caption: str, rows: Sequence[Mapping[str, object]]) -> str:
    """Rows with the same keys; one can scroll it by keyboard where it is wider than the screen."""
    if not rows:
        return ""
    numeric = {name for name in rows[0] if all(isinstance(row[name], int | float | None) for row in rows)}
    kind = {name: ' class="n"' if name in numeric else "" for name in rows[0]}
    head = "".join(f'<th scope="col"{kind[name]}>{escape(name)}</th>' for name in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td{kind[name]}>{_cell(value)}</td>" for name, value in row.items()) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table><caption>{escape(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10_000:
        return f"{value:,}"
    return escape(str(value))
