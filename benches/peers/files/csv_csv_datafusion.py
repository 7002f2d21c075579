"""CSV to CSV with DataFusion: csv_csv_datafusion.py INPUT OUTPUT."""

import sys

from datafusion import SessionContext

source, target = sys.argv[1:]
context = SessionContext()
# A null string is heeded when the types are guessed but not when values are read, so columns with
# NA in them come as text.
context.sql(f"""
    CREATE EXTERNAL TABLE flights (
        year BIGINT, month BIGINT, day BIGINT, dep_time TEXT, sched_dep_time BIGINT, dep_delay TEXT,
        arr_time TEXT, sched_arr_time BIGINT, arr_delay TEXT, carrier TEXT, flight BIGINT,
        tailnum TEXT, origin TEXT, dest TEXT, air_time TEXT, distance BIGINT, hour BIGINT,
        minute BIGINT, time_hour TEXT
    ) STORED AS CSV LOCATION '{source}' OPTIONS ('format.has_header' 'true')
""")
context.sql(f"""
    COPY (
        SELECT year, month, day, nullif(dep_time, 'NA')::bigint AS dep_time, sched_dep_time,
            nullif(dep_delay, 'NA')::bigint AS dep_delay, nullif(arr_time, 'NA')::bigint AS arr_time,
            sched_arr_time, nullif(arr_delay, 'NA')::bigint AS arr_delay, carrier, flight,
            nullif(tailnum, 'NA') AS tailnum, origin, dest, air_time::bigint AS air_time, distance,
            hour, minute, time_hour, distance::double / air_time::double * 60.0 AS speed,
            carrier || flight AS id
        FROM flights
        WHERE air_time <> 'NA'
    ) TO '{target}' STORED AS CSV OPTIONS ('format.has_header' 'true')
""").collect()
