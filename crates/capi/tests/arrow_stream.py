#!/usr/bin/env python3
"""A pipeline between two Arrow streams, from Python, with nothing but ctypes and pyarrow.

    arrow_stream.py LIBTROMMEL
"""

import ctypes
import os
import sqlite3
import sys
import tempfile

import pyarrow as pa

lib = ctypes.CDLL(sys.argv[1])
lib.trommel_error_text.restype = ctypes.c_char_p
lib.trommel_error_text.argtypes = [ctypes.c_void_p]
lib.trommel_features.restype = ctypes.c_char_p
lib.trommel_pipeline_report_json.restype = ctypes.c_char_p
lib.trommel_pipeline_report_json.argtypes = [ctypes.c_void_p]
for name in ("engine", "pipeline", "error"):
    getattr(lib, f"trommel_{name}_free").argtypes = [ctypes.c_void_p]


class Stream(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in
                ("get_schema", "get_next", "get_last_error", "release", "private_data")]


def call(function, *arguments):
    error = ctypes.c_void_p()
    if function(*arguments, ctypes.byref(error)):
        text = lib.trommel_error_text(error).decode()
        lib.trommel_error_free(error)
        raise RuntimeError(text)


def made(function, *arguments):
    handle = ctypes.c_void_p()
    call(function, *arguments, ctypes.byref(handle))
    return handle


def batches(fail_at=None, rows=100_000):
    for start in range(0, rows, 20_000):
        if start == fail_at:
            raise ValueError("the producer broke")
        numbers = range(start, start + 20_000)
        yield pa.record_batch({
            "id": pa.array(numbers, pa.int64()),
            "name": pa.array([f"name {n}" if n % 10 else None for n in numbers]),
            "half": pa.array([n / 2 for n in numbers]),
            "tags": pa.array([["a"] * (n % 3) for n in numbers]),
        })


def reader(**how):
    schema = next(batches()).schema
    return pa.RecordBatchReader.from_batches(schema, batches(**how))


def from_arrow(engine, source):
    pipeline = made(lib.trommel_pipeline_new, engine)
    stream = Stream()
    source._export_to_c(ctypes.addressof(stream))
    call(lib.trommel_pipeline_from_arrow, pipeline, ctypes.byref(stream))
    assert not stream.release, "the stream is the pipeline's"
    return pipeline


def out_of(pipeline):
    out = Stream()
    call(lib.trommel_pipeline_stream, pipeline, ctypes.byref(out))
    return pa.RecordBatchReader._import_from_c(ctypes.addressof(out))


assert b"arrow" in lib.trommel_features(), "built without the feature arrow"
engine = made(lib.trommel_engine_new, None)

# Identity: nested types pass, too, since nothing is read.
pipeline = from_arrow(engine, reader())
table = out_of(pipeline).read_all()
assert table.equals(reader().read_all()), "the same table comes out"
assert b'"loaded":100000' in lib.trommel_pipeline_report_json(pipeline)
assert lib.trommel_pipeline_free(pipeline) == 0

# Released in the middle: the run is cancelled.
pipeline = from_arrow(engine, reader(rows=100_000_000))
stream = out_of(pipeline)
assert stream.read_next_batch().num_rows > 0
stream.close()
del stream
assert b'"outcome":"cancelled"' in lib.trommel_pipeline_report_json(pipeline)
assert lib.trommel_pipeline_free(pipeline) == 0

# A producer that breaks is an error of the stream that comes out.
pipeline = from_arrow(engine, reader(fail_at=60_000))
try:
    out_of(pipeline).read_all()
    sys.exit("the error did not come out")
except Exception as error:
    assert "the producer broke" in str(error), error
assert lib.trommel_pipeline_free(pipeline) == 0

# Into SQLite: columns are chosen, since a list has no value there.
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "arrow.db")
    pipeline = from_arrow(engine, reader())
    call(lib.trommel_pipeline_into, pipeline, b"sqlite:?table=t")
    call(lib.trommel_pipeline_set, pipeline, b"sink.path", path.encode())
    try:
        call(lib.trommel_pipeline_run, pipeline, None)
        sys.exit("a list has no value")
    except RuntimeError as error:
        assert "tags" in str(error), error
    assert lib.trommel_pipeline_free(pipeline) == 0
    pipeline = from_arrow(engine, reader())
    call(lib.trommel_pipeline_into, pipeline, b"sqlite:?table=t")
    call(lib.trommel_pipeline_set, pipeline, b"sink.path", path.encode())
    for column, kind in ((b"id", b"INTEGER"), (b"name", b"TEXT"), (b"half", b"REAL")):
        call(lib.trommel_pipeline_column, pipeline, column, None, kind)
    call(lib.trommel_pipeline_run, pipeline, None)
    assert lib.trommel_pipeline_free(pipeline) == 0
    rows = sqlite3.connect(path).execute(
        "SELECT count(*), sum(id), count(name), sum(half) FROM t").fetchone()
    assert rows == (100_000, 4_999_950_000, 90_000, 2_499_975_000.0), rows

assert lib.trommel_engine_free(engine) == 0
print("python: as pyarrow made it, and as it should be")
