"""MTConnect agents of machine tools, read over HTTP."""
