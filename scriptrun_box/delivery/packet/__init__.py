"""The packet that answers an auditor: records, pictures, hashes, and what verifies them."""
