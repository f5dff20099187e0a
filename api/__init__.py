"""The Flask API: upload, status, result, warm."""
