"""The command line. Producers and editors read German here, ops English; the work is done elsewhere.

Nothing heavy is imported before a command needs it: `nachlese --help` answers at once.
"""

from worker.cli import alone, desk, operations, voices
from worker.cli.frame import cli, main

__all__ = ["alone", "cli", "desk", "main", "operations", "voices"]
