"""`python -m worker` is `nachlese`."""

from worker.cli import main

main()
