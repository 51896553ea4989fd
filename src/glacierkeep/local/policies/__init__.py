"""Policy documents of vaults, as IAM reads them: who may do what with a vault, and when."""
