-- By which payment a price holds, what a card pays, what the old price is; the facts beside it (a JSON object, unknown
-- ones absent); and what a listing last showed, so that its saying the same again is no news.
ALTER TABLE offers ADD COLUMN price_condition TEXT CHECK (price_condition IN ('any', 'pix', 'credit_line'));
ALTER TABLE offers ADD COLUMN card_price_cents INTEGER CHECK (card_price_cents > price_cents);
ALTER TABLE offers ADD COLUMN discount_kind TEXT CHECK (discount_kind IN ('price_cut', 'payment'));
ALTER TABLE offers ADD COLUMN listing_price_cents INTEGER CHECK (listing_price_cents > 0);
ALTER TABLE offers ADD COLUMN listing_word TEXT NOT NULL DEFAULT '{}' CHECK (json_type(listing_word) = 'object');
ALTER TABLE offers ADD COLUMN facts TEXT NOT NULL DEFAULT '{}' CHECK (json_type(facts) = 'object');

ALTER TABLE price_history ADD COLUMN price_condition TEXT CHECK (price_condition IN ('any', 'pix', 'credit_line'));
ALTER TABLE price_history ADD COLUMN card_price_cents INTEGER;
