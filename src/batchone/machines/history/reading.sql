-- For DuckDB. A window runs from $start up to but not at $end, in microseconds since 1970.

-- name: rows
SELECT path, source_time, received_time, value, quality
FROM read_parquet($files)
WHERE source_time >= make_timestamptz($start::BIGINT) AND source_time < make_timestamptz($end::BIGINT)
QUALIFY row_number() OVER (PARTITION BY path, source_time, value ORDER BY quality, received_time) = 1
ORDER BY path, source_time, value

-- name: rows_of
SELECT path, source_time, received_time, value, quality
FROM read_parquet($files)
WHERE source_time >= make_timestamptz($start::BIGINT) AND source_time < make_timestamptz($end::BIGINT)
    AND list_contains($paths, path)
QUALIFY row_number() OVER (PARTITION BY path, source_time, value ORDER BY quality, received_time) = 1
ORDER BY path, source_time, value

-- name: count
SELECT path, count(*) AS rows
FROM read_parquet($files)
WHERE source_time >= make_timestamptz($start::BIGINT) AND source_time < make_timestamptz($end::BIGINT)
    AND list_contains($paths, path) AND quality < 2 AND isfinite(value)
GROUP BY path

-- name: all
SELECT DISTINCT path, epoch_us(source_time) AS t, value AS v
FROM read_parquet($files)
WHERE source_time >= make_timestamptz($start::BIGINT) AND source_time < make_timestamptz($end::BIGINT)
    AND list_contains($paths, path) AND quality < 2 AND isfinite(value)
ORDER BY path, t, v

-- Structs compare field by field: of equal values the earlier is the smallest and the later the largest, so that the
-- same question always has the same answer.
-- name: thin
WITH sample AS (
    SELECT path, epoch_us(source_time) AS t, {'v': value, 't': epoch_us(source_time)} AS s
    FROM read_parquet($files)
    WHERE source_time >= make_timestamptz($start::BIGINT) AND source_time < make_timestamptz($end::BIGINT)
        AND list_contains($paths, path) AND quality < 2 AND isfinite(value)
),
step AS (
    SELECT path, min(s) AS low, max(s) AS high FROM sample GROUP BY path, t // $width::BIGINT
),
edge AS (
    SELECT path, min({'t': t, 'v': s.v}) AS first, max({'t': t, 'v': s.v}) AS last FROM sample GROUP BY path
)
SELECT path, low.t AS t, low.v AS v FROM step
UNION SELECT path, high.t, high.v FROM step
UNION SELECT path, first.t, first.v FROM edge
UNION SELECT path, last.t, last.v FROM edge
ORDER BY path, t, v
