#!/usr/bin/env python3
"""Functions that `export_transform!` made, called from Python with ctypes and pyarrow.

    stream_transform.py LIBSTREAM_TRANSFORM
"""

import ctypes
import os
import sys
import time

import pyarrow as pa

lib = ctypes.CDLL(sys.argv[1])


class Stream(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in
                ("get_schema", "get_next", "get_last_error", "release", "private_data")]


def transformed(function, reader):
    """What comes out of a function when a reader goes in."""
    into, out = Stream(), Stream()
    reader._export_to_c(ctypes.addressof(into))
    assert function(ctypes.byref(into), ctypes.byref(out)) == 0
    assert into.release is None, "the input was moved"
    return pa.RecordBatchReader._import_from_c(ctypes.addressof(out))


SCHEMA = pa.schema([("id", pa.int64()), ("customer", pa.string()), ("price", pa.float64()),
                    ("pieces", pa.uint32())])


def batches(rows=100_000, at=None, customer=None, fail=False):
    for start in range(0, rows, 10_000):
        if fail and start == 50_000:
            raise ValueError("the producer broke")
        ids = range(start, min(start + 10_000, rows))
        yield pa.record_batch({
            "id": pa.array(ids, pa.int64()),
            "customer": pa.array([customer if n == at else f"Anna {n}" if n % 10 else None
                                  for n in ids], pa.string()),
            "price": pa.array([n / 4 for n in ids]),
            "pieces": pa.array([n % 5 for n in ids], pa.uint32()),
        }, schema=SCHEMA)


def reader(**how):
    return pa.RecordBatchReader.from_batches(SCHEMA, batches(**how))


def threads():
    return len(os.listdir("/proc/self/task"))


def await_threads(count):
    """Symptom: now and then one thread more than before, on a busy machine. Cause: the kernel lists a
    thread that has been joined until it has had its last turn. Fix: waited for, not looked at once."""
    for _ in range(10_000):
        if threads() <= count:
            return
        time.sleep(0.001)
    raise AssertionError(f"{threads()} threads, {count} before")


def the_rows_are_those_of_the_transform():
    table = transformed(lib.bills, reader()).read_all()
    ids = [n for n in range(100_000) if n % 10]
    assert table.schema.names == ["id", "customer", "total"], table.schema
    assert table["id"].to_pylist() == ids
    assert table["customer"].to_pylist() == [f"Anna {n}" for n in ids]
    assert table["total"].to_pylist() == [n / 4 * (n % 5) for n in ids]


def a_stream_of_one_goes_into_another():
    table = transformed(lib.words, transformed(lib.bills, reader(rows=20_000))).read_all()
    words = [word for n in range(20_000) if n % 10 for word in ("Anna", str(n))]
    assert table["word"].to_pylist() == words
    assert table.schema.field("note").type == pa.string()
    assert table["note"].null_count == len(words)


def an_empty_stream_comes_out_empty():
    assert transformed(lib.bills, reader(rows=0)).read_all().num_rows == 0


def bad_rows_are_passed_over():
    table = transformed(lib.words, reader(rows=100, at=50, customer="a  b")).read_all()
    assert 50 not in table["id"].to_pylist() and 51 in table["id"].to_pylist()


def says(what, stream):
    try:
        stream.read_all()
    except (OSError, pa.ArrowInvalid, ValueError) as error:
        assert what in str(error), error
        return
    raise AssertionError(f"no error that says {what}")


def errors_and_panics_are_the_streams():
    says("panic", transformed(lib.words, reader(at=60_000, customer="a panic")))
    says("the producer broke", transformed(lib.bills, reader(fail=True)))
    # What the function needs is not there.
    other = pa.table({"a": [1]}).to_reader()
    says("customer", transformed(lib.bills, other))


def null_and_released_streams_are_refused():
    into, out = Stream(), Stream()
    assert lib.bills(None, ctypes.byref(out)) == 22
    assert lib.bills(ctypes.byref(into), ctypes.byref(out)) == 22
    reader()._export_to_c(ctypes.addressof(into))
    assert lib.bills(ctypes.byref(into), None) == 22
    assert into.release is not None, "what was refused is still the caller's"
    pa.RecordBatchReader._import_from_c(ctypes.addressof(into))


def nothing_stays_behind():
    """Released in the middle, before the first batch, at the end: no thread is left."""
    before = threads()
    for pulled in (0, 1, 3):
        for _ in range(50):
            stream = transformed(lib.bills, reader())
            for _ in range(pulled):
                stream.read_next_batch()
            stream.close()
    await_threads(before)


for case in (the_rows_are_those_of_the_transform, a_stream_of_one_goes_into_another,
             an_empty_stream_comes_out_empty, bad_rows_are_passed_over,
             errors_and_panics_are_the_streams, null_and_released_streams_are_refused,
             nothing_stays_behind):
    case()
    print("ok", case.__name__)
