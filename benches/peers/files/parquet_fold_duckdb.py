"""Parquet to a few sums with DuckDB: parquet_fold_duckdb.py INPUT."""

import sys

import duckdb

rows, checksum = duckdb.sql(f"""
    SELECT count(*), sum(
        distance::bigint + air_time + arr_delay + trunc(distance / air_time * 60.0 * 1000)::bigint
    )
    FROM read_parquet('{sys.argv[1]}')
    WHERE air_time IS NOT NULL
""").fetchall()[0]
print(f"rows {rows}\nchecksum {checksum}")
