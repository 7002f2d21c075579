"""Parquet to a few sums with DataFusion: parquet_fold_datafusion.py INPUT."""

import sys

from datafusion import SessionContext

context = SessionContext()
context.register_parquet("flights", sys.argv[1])
answer = context.sql("""
    SELECT count(*) AS rows, sum(
        distance::bigint + air_time::bigint + arr_delay::bigint
        + trunc(distance::double / air_time::double * 60.0 * 1000)::bigint
    ) AS checksum
    FROM flights
    WHERE air_time IS NOT NULL
""").to_pydict()
print(f"rows {answer['rows'][0]}\nchecksum {answer['checksum'][0]}")
