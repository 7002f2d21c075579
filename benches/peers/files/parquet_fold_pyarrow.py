"""Parquet to a few sums with PyArrow: parquet_fold_pyarrow.py INPUT."""

import sys

import pyarrow.compute as pc
import pyarrow.parquet as pq

flights = pq.read_table(sys.argv[1], columns=["distance", "air_time", "arr_delay"])
flights = flights.filter(pc.is_valid(flights["air_time"]))
miles, minutes, delay = flights["distance"], flights["air_time"], flights["arr_delay"]
speed = pc.multiply(pc.divide(pc.cast(miles, "double"), pc.cast(minutes, "double")), 60.0)
parts = [miles, minutes, delay, pc.cast(pc.trunc(pc.multiply(speed, 1000)), "int64")]
checksum = sum(pc.sum(part).as_py() for part in parts)
print(f"rows {flights.num_rows}\nchecksum {int(checksum)}")
