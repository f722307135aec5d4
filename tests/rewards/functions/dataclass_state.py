# expect: works
# state: yes
from dataclasses import dataclass, field

@dataclass
class Lap:
    speeds: list = field(default_factory=list)

lap = Lap()

def reward_function(params):
    if params["steps"] <= 2:
        lap.speeds.clear()
    lap.speeds.append(params["speed"] + params["progress"] * 0.001)
    return sum(lap.speeds) / len(lap.speeds)
