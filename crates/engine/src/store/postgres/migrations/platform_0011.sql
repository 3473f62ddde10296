-- Nothing ends a password by its age: what reminders of it would have needed goes, the chore above all, which nobody does and
-- which so would always be due.
DELETE FROM insula.chore WHERE name = 'remind_passwords';
ALTER TABLE insula.account DROP COLUMN password_reminded;
