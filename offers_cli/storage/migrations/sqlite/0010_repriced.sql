-- The offers whose price was ever seen to change, the last ones first: deals are looked for among them, however many
-- others there are.
CREATE INDEX offers_repriced ON offers (price_changed_at, external_id) WHERE price_changed_at > first_seen_at;
