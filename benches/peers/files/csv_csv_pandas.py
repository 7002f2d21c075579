"""CSV to CSV with pandas: csv_csv_pandas.py INPUT OUTPUT."""

import sys

import pandas as pd

source, target = sys.argv[1:]
flights = pd.read_csv(source, na_values="NA", keep_default_na=False)
flights = flights[flights["air_time"].notna()]
flights = flights.assign(
    speed=flights["distance"] / flights["air_time"] * 60.0,
    id=flights["carrier"] + flights["flight"].astype(str),
)
flights.to_csv(target, index=False)
