-- The offers whose price changed last, which deals are found among.
CREATE INDEX offers_price_changed ON offers (price_changed_at, external_id);
