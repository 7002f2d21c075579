"""Rows and checksum of a Parquet file of flights, as the runner computes them of other formats:
check_parquet.py FILE."""

import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

NUMBERS = """year month day dep_time sched_dep_time dep_delay arr_time sched_arr_time arr_delay
    flight air_time distance hour minute""".split()
TEXTS = "carrier tailnum origin dest id".split()

rows = checksum = 0
for batch in pq.ParquetFile(sys.argv[1]).iter_batches():
    rows += batch.num_rows
    # Some write whole numbers as floats.
    parts = [(weight, batch[name].cast(pa.int64())) for weight, name in enumerate(NUMBERS, 1)]
    for weight, name in enumerate(TEXTS, 15):
        parts.append((weight, pc.binary_length(batch[name].cast(pa.string()))))
    times = batch["time_hour"]
    if pa.types.is_timestamp(times.type):
        parts.append((20, pc.hour(times)))
    else:
        parts.append((20, pc.utf8_slice_codeunits(times.cast(pa.string()), 11, 13).cast(pa.int64())))
    parts.append((1, pc.trunc(pc.multiply(batch["speed"], 1000.0)).cast(pa.int64())))
    checksum += sum(weight * (pc.sum(part).as_py() or 0) for weight, part in parts)
print(f"rows {rows}\nchecksum {checksum}")
