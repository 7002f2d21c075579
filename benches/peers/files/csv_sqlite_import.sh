#!/bin/sh
# CSV to SQLite with the sqlite3 shell, raw: no transform, so an easier job than the others'.
# csv_sqlite_import.sh INPUT OUTPUT
set -eu
sqlite3 -bail "$2" <<EOF
PRAGMA synchronous = EXTRA;
CREATE TABLE flights (
    year INTEGER, month INTEGER, day INTEGER, dep_time INTEGER, sched_dep_time INTEGER,
    dep_delay INTEGER, arr_time INTEGER, sched_arr_time INTEGER, arr_delay INTEGER, carrier TEXT,
    flight INTEGER, tailnum TEXT, origin TEXT, dest TEXT, air_time INTEGER, distance INTEGER,
    hour INTEGER, minute INTEGER, time_hour TEXT
);
.import --csv --skip 1 "$1" flights
EOF
