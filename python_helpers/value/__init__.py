"""The statistical models of lifetime value. No other package of python_helpers is imported."""

import os

# A search works on a handful of parameters. scipy's linear algebra, which reads this when it is
# loaded, would start threads for them that do nothing but wait: half of all processor time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
