"""What only authors run: refresh, which executes notebooks again and stores their outputs."""
