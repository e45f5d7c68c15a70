"""What comes in: the raw contract, the delivered files and the list of erased customers."""
