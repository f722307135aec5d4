# expect: works
import pandas as pd

TABLE = pd.Series([1.0, 0.5, 0.1], index=[0.1, 0.25, 0.5])

def reward_function(params):
    share = params["distance_from_center"] / params["track_width"]
    found = TABLE[TABLE.index >= share]
    return float(found.iloc[0]) if len(found) else 1e-3
