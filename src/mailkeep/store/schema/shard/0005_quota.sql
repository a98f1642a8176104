-- Limits beside the one in octets (RFC 9208); NULL = unlimited.

ALTER TABLE account ADD COLUMN quota_messages INTEGER;
ALTER TABLE account ADD COLUMN quota_mailboxes INTEGER;
