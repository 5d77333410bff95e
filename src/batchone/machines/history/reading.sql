-- For DuckDB. A window runs from $start up to but not at $end, in microseconds since 1970. Every question is asked of
-- `sample`, which the reader puts together from `plain` and `packed` as far as there are files of each shape, from `unsealed`,
-- which journals hold, from the tables of segments that are `warm`, and from `wanted` where not every path is. The conditions stand where the files are read, so that row groups are skipped.
-- What the columns of `packed` mean says `packing`.

-- name: plain
SELECT path, source_time, received_time, value, quality
FROM read_parquet($plain)
WHERE source_time >= make_timestamptz($start::BIGINT) AND source_time < make_timestamptz($end::BIGINT)

-- name: packed
SELECT path, make_timestamptz(us) AS source_time, make_timestamptz(us - us % lag_unit_us + lag * lag_unit_us) AS received_time,
    coalesce(value, digits / scale) AS value, quality
FROM (
    SELECT *, second::BIGINT * 1000000 + part * unit_us AS us FROM read_parquet($packed)
    WHERE second >= $start::BIGINT // 1000000 AND second <= $end::BIGINT // 1000000
)
WHERE us >= $start::BIGINT AND us < $end::BIGINT

-- name: unsealed
SELECT path, source_time, received_time, value, quality
FROM unsealed
WHERE source_time >= make_timestamptz($start::BIGINT) AND source_time < make_timestamptz($end::BIGINT)

-- name: warm
SELECT path, source_time, received_time, value, quality
FROM $table JOIN warm_path USING (code)
WHERE source_time >= make_timestamptz($start::BIGINT) AND source_time < make_timestamptz($end::BIGINT)

-- name: warm_begin
CREATE SEQUENCE warm_number;
CREATE TABLE warm_path (code INTEGER DEFAULT nextval('warm_number'), path VARCHAR PRIMARY KEY)

-- name: warm_paths
INSERT INTO warm_path (path) SELECT DISTINCT path FROM read_parquet($files) ORDER BY path ON CONFLICT DO NOTHING

-- name: warm_load
CREATE TABLE $table AS
SELECT code, source_time, received_time, value, quality FROM ($sample) JOIN warm_path USING (path) ORDER BY code, source_time

-- name: signals
SELECT DISTINCT path FROM read_parquet($files) ORDER BY path

-- name: wanted
path IN (SELECT unnest($paths))

-- name: rows
SELECT path, source_time, received_time, value, quality
FROM sample
QUALIFY row_number() OVER (PARTITION BY path, source_time, value ORDER BY quality, received_time) = 1
ORDER BY path, source_time, value

-- name: page
SELECT path, source_time, received_time, value, quality
FROM sample
QUALIFY row_number() OVER (PARTITION BY path, source_time, value ORDER BY quality, received_time) = 1
ORDER BY path, source_time, value
LIMIT $limit

-- name: count_all
SELECT path, count(*) AS rows FROM sample GROUP BY path

-- name: count
SELECT path, count(*) AS rows FROM sample WHERE quality < 2 AND isfinite(value) GROUP BY path

-- name: all
SELECT DISTINCT path, epoch_us(source_time) AS t, value AS v
FROM sample WHERE quality < 2 AND isfinite(value)
ORDER BY path, t, v

-- name: newest
SELECT path, last.t AS t, last.r AS r, last.v AS v, last.q AS q FROM (
    SELECT path, max({'t': epoch_us(source_time), 'r': epoch_us(received_time), 'v': value, 'q': quality}) AS last
    FROM sample WHERE quality < 2 AND isfinite(value) GROUP BY path
)

-- Structs compare field by field: of equal values the earlier is the smallest and the later the largest, so that the
-- same question always has the same answer.
-- name: thin
SELECT path, t, v FROM (
    WITH drawn AS (
        SELECT path, epoch_us(source_time) AS t, {'v': value, 't': epoch_us(source_time)} AS s
        FROM sample WHERE quality < 2 AND isfinite(value)
    ),
    step AS (
        SELECT path, min(s) AS low, max(s) AS high FROM drawn GROUP BY path, t // $width::BIGINT
    ),
    edge AS (
        SELECT path, min({'t': t, 'v': s.v}) AS first, max({'t': t, 'v': s.v}) AS last FROM drawn GROUP BY path
    )
    SELECT path, low.t AS t, low.v AS v FROM step
    UNION SELECT path, high.t, high.v FROM step
    UNION SELECT path, first.t, first.v FROM edge
    UNION SELECT path, last.t, last.v FROM edge
)
ORDER BY path, t, v

-- What follows makes the views of SQL over samples.

-- name: none
SELECT NULL::VARCHAR AS path, NULL::TIMESTAMPTZ AS source_time, NULL::TIMESTAMPTZ AS received_time, NULL::DOUBLE AS value,
    NULL::UTINYINT AS quality
WHERE false

-- name: once
QUALIFY row_number() OVER (PARTITION BY path, source_time, value ORDER BY quality, received_time) = 1

-- name: last
SELECT path, max(source_time) AS source_time, arg_max(value, source_time) AS value, arg_max(quality, source_time) AS quality
FROM $newest GROUP BY path

-- name: lasts_begin
CREATE TABLE segment_last (
    segment VARCHAR, path VARCHAR, source_time TIMESTAMPTZ, received_time TIMESTAMPTZ, value DOUBLE, quality UTINYINT
)

-- name: lasts_load
INSERT INTO segment_last
SELECT $segment, path, max(source_time), arg_max(received_time, source_time), arg_max(value, source_time),
    arg_max(quality, source_time)
FROM ($sample) GROUP BY path

-- name: lasts_clear
DELETE FROM segment_last

-- name: lasts_of
SELECT path, source_time, received_time, value, quality FROM segment_last WHERE segment IN (SELECT unnest($ids))

-- name: signals_of
SELECT path, count(*) AS samples, min(source_time) AS first, max(source_time) AS last FROM samples GROUP BY path
