-- What `offers list` sorts by; those that are alike go on by the marketplace's id.
CREATE INDEX offers_price ON offers (price_cents, external_id);
CREATE INDEX offers_discount ON offers (discount_pct, external_id);
CREATE INDEX offers_commission ON offers (commission_pct, external_id);
CREATE INDEX offers_first_seen ON offers (first_seen_at, external_id);
CREATE INDEX offers_title ON offers (title_folded, external_id);
CREATE INDEX offers_rating ON offers (json_extract(facts, '$.rating_hundredths'), external_id);
CREATE INDEX offers_reviews ON offers (json_extract(facts, '$.reviews'), external_id);
CREATE INDEX offers_sold ON offers (json_extract(facts, '$.sold_at_least'), external_id);
