"""Amazon Glacier, the vault API of 2012-06-01, by way of botocore."""
