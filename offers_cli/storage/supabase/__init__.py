"""The storage in a Supabase project."""
