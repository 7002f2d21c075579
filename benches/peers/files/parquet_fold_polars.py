"""Parquet to a few sums with Polars: parquet_fold_polars.py INPUT."""

import sys

import polars as pl

miles, minutes, delay = (
    pl.col(name).cast(pl.Int64) for name in ("distance", "air_time", "arr_delay")
)
speed = miles / minutes * 60.0
rows, checksum = (
    pl.scan_parquet(sys.argv[1])
    .filter(minutes.is_not_null())
    .select(pl.len().alias("rows"), (miles + minutes + delay + (speed * 1000).cast(pl.Int64)).sum())
    .collect(engine="streaming")
    .row(0)
)
print(f"rows {rows}\nchecksum {checksum}")
