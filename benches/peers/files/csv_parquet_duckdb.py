"""CSV to Parquet with DuckDB: csv_parquet_duckdb.py INPUT OUTPUT."""

import sys

import duckdb

source, target = sys.argv[1:]
duckdb.sql(f"""
    COPY (
        SELECT *, distance / air_time * 60.0 AS speed, carrier || flight AS id
        FROM read_csv('{source}', nullstr = 'NA')
        WHERE air_time IS NOT NULL
    ) TO '{target}' (FORMAT parquet, COMPRESSION zstd)
""")
