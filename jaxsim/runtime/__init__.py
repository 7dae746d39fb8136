"""Running programs: double precision, compiled programs and their cache, workers, the stream of chunks, progress."""
