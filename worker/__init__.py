"""How the work runs: processes, network, disk, GPU, clock, people. Imports `jobs` and `config`."""
