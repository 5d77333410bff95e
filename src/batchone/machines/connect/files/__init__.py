"""Files that machines drop into a folder: CSV and Parquet, each taken once."""
