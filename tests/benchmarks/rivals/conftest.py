"""The programs here run in processes of their own, some of them in another environment: pytest imports none of them."""

collect_ignore_glob = ["*.py"]
