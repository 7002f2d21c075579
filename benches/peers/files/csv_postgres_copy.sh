#!/bin/sh
# CSV to PostgreSQL with psql's \copy, raw: no transform, so an easier job than the others'.
# csv_postgres_copy.sh INPUT CONNECTION, where CONNECTION is what psql takes (`host=… dbname=…`).
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 "$2" <<EOF
DROP TABLE IF EXISTS flights;
CREATE TABLE flights (
    year integer, month integer, day integer, dep_time integer, sched_dep_time integer,
    dep_delay integer, arr_time integer, sched_arr_time integer, arr_delay integer, carrier text,
    flight integer, tailnum text, origin text, dest text, air_time integer, distance integer,
    hour integer, minute integer, time_hour timestamptz
);
\copy flights from '$1' with (format csv, header, null 'NA')
EOF
