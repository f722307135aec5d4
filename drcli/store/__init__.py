"""The bucket: client, keys, the documents in it, and the embedded S3 server."""
