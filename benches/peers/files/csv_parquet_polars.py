"""CSV to Parquet with Polars' streaming engine: csv_parquet_polars.py INPUT OUTPUT."""

import sys

import polars as pl

source, target = sys.argv[1:]
(
    pl.scan_csv(source, null_values="NA")
    .filter(pl.col("air_time").is_not_null())
    .with_columns(
        (pl.col("distance") / pl.col("air_time") * 60.0).alias("speed"),
        (pl.col("carrier") + pl.col("flight").cast(pl.String)).alias("id"),
    )
    .sink_parquet(target, compression="zstd")
)
