/* SPDX-License-Identifier: MIT */
/*
 * schema.c: the tables, functions and indexes of the service.
 *
 * No extension is needed, so an ordinary owner of a database can make it. Words are cut and folded
 * by the functions parts_words, parts_names_words and parts_query alone, by the Unicode rules of
 * ICU: search behaves the same whatever locale the database has. Needs PostgreSQL 14 or later and
 * UTF-8.
 */
#include "schema.h"

/* Around a text: its words, in lower case, as the table raw(word). Everything in ASCII that is
 * neither letter nor digit separates words; all of other scripts belongs to words. Users of the
 * words cut them at 100 characters, since a lexeme may not exceed 2046 bytes. */
#define WORDS_OF_BEGIN "regexp_split_to_table(lower("
#define WORDS_OF_END   " COLLATE \"und-x-icu\"), '[\\x01-/:-@\\[-`{-\\x7f]+') AS raw(word)"

const char parts_schema_sql[] =
    "CREATE TABLE IF NOT EXISTS organisations ("
    " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " name text NOT NULL UNIQUE,"
    " kind text NOT NULL CHECK (kind IN ('supplier', 'customer', 'own'))"
    ");"
    "CREATE TABLE IF NOT EXISTS warehouses ("
    " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " organisation_id bigint NOT NULL REFERENCES organisations,"
    " name text NOT NULL UNIQUE,"
    " is_central boolean NOT NULL DEFAULT false"
    ");"
    /* At most one warehouse is the central one. */
    "CREATE UNIQUE INDEX IF NOT EXISTS warehouses_central ON warehouses (is_central)"
    " WHERE is_central;"
    "CREATE TABLE IF NOT EXISTS users ("
    " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " username text NOT NULL UNIQUE CHECK (length(username) BETWEEN 1 AND 100),"
    " password_hash text NOT NULL,"
    " role text NOT NULL CHECK (role IN ('reader', 'editor', 'admin')),"
    " is_active boolean NOT NULL DEFAULT true,"
    " created_at timestamptz NOT NULL DEFAULT now()"
    ");"

    /* The words of a text, for parts without languages. */
    "CREATE OR REPLACE FUNCTION parts_words(content text) RETURNS tsvector"
    " LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN"
    " (SELECT coalesce(array_to_tsvector(array_agg(DISTINCT left(raw.word, 100))), '')"
    " FROM " WORDS_OF_BEGIN "content" WORDS_OF_END " WHERE raw.word <> '');"

    /* The words of a part in all languages: each plain, and tagged ':de:word' with its language.
     * No plain word begins with a colon, so a search for 'de' does not find the tags. */
    "CREATE OR REPLACE FUNCTION parts_names_words(part_number text, name text, names jsonb)"
    " RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN"
    " (SELECT coalesce(array_to_tsvector("
    "array_agg(DISTINCT tag.prefix || left(raw.word, 100))), '')"
    " FROM jsonb_each_text(jsonb_build_object('en', name) || names) AS entry(lang, value)"
    " CROSS JOIN LATERAL " WORDS_OF_BEGIN "(part_number || ' ' || entry.value)" WORDS_OF_END
    " CROSS JOIN LATERAL (VALUES (''), (':' || entry.lang || ':')) AS tag(prefix)"
    " WHERE raw.word <> '');"

    /* What a person types, as a query: all words, each as the beginning of a word. */
    "CREATE OR REPLACE FUNCTION parts_query(terms text, lang text DEFAULT NULL) RETURNS tsquery"
    " LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN"
    " (SELECT coalesce(string_agg("
    "quote_literal(coalesce(':' || lang || ':', '') || left(raw.word, 100)) || ':*', ' & '),"
    " '')::tsquery"
    " FROM " WORDS_OF_BEGIN "terms" WORDS_OF_END " WHERE raw.word <> '');"

    "CREATE TABLE IF NOT EXISTS parts ("
    " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " part_number text NOT NULL UNIQUE CHECK (length(part_number) BETWEEN 1 AND 64),"
    " name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),"
    " names jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(names) = 'object'),"
    " description text CHECK (length(description) <= 2000),"
    " part_type text NOT NULL"
    " CHECK (part_type IN ('consumable', 'bulk_material', 'wear_part', 'tool')),"
    " is_proprietary boolean NOT NULL DEFAULT false,"
    " unit_of_measure text NOT NULL DEFAULT 'pieces',"
    " manufacturer text,"
    " supplier_id bigint REFERENCES organisations,"
    " unit_price numeric(12, 2) CHECK (unit_price >= 0),"
    " created_at timestamptz NOT NULL DEFAULT now(),"
    " updated_at timestamptz NOT NULL DEFAULT now(),"
    " search_words tsvector GENERATED ALWAYS AS (parts_words(part_number || ' ' || name || ' ' ||"
    " coalesce(description, '') || ' ' || coalesce(manufacturer, ''))) STORED,"
    " names_words tsvector GENERATED ALWAYS AS"
    " (parts_names_words(part_number, name, names)) STORED"
    ");"
    "CREATE INDEX IF NOT EXISTS parts_by_type ON parts (part_type, id);"
    "CREATE INDEX IF NOT EXISTS parts_by_manufacturer ON parts (manufacturer, id);"
    "CREATE INDEX IF NOT EXISTS parts_by_supplier ON parts (supplier_id, id);"
    "CREATE INDEX IF NOT EXISTS parts_proprietary ON parts (id) WHERE is_proprietary;"
    "CREATE INDEX IF NOT EXISTS parts_search_words ON parts USING gin (search_words);"
    "CREATE INDEX IF NOT EXISTS parts_names_words ON parts USING gin (names_words);"

    "CREATE TABLE IF NOT EXISTS inventory ("
    " part_id bigint NOT NULL REFERENCES parts,"
    " warehouse_id bigint NOT NULL REFERENCES warehouses,"
    " quantity numeric(11, 3) NOT NULL DEFAULT 0 CHECK (quantity >= 0),"
    " minimum_level numeric(11, 3) NOT NULL DEFAULT 0 CHECK (minimum_level >= 0),"
    " PRIMARY KEY (part_id, warehouse_id)"
    ");"
    "CREATE INDEX IF NOT EXISTS inventory_by_warehouse ON inventory (warehouse_id, part_id);"
    /* In the very order of the reorder suggestions. */
    "CREATE INDEX IF NOT EXISTS inventory_low ON inventory"
    " ((minimum_level - quantity) DESC, part_id, warehouse_id) WHERE quantity <= minimum_level;"

    "CREATE TABLE IF NOT EXISTS usage_history ("
    " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " part_id bigint NOT NULL REFERENCES parts,"
    " warehouse_id bigint NOT NULL REFERENCES warehouses,"
    " organisation_id bigint NOT NULL REFERENCES organisations,"
    " quantity numeric(11, 3) NOT NULL CHECK (quantity > 0),"
    " used_at timestamptz NOT NULL DEFAULT now()"
    ");"
    "CREATE INDEX IF NOT EXISTS usage_history_by_part"
    " ON usage_history (part_id, used_at DESC, id DESC);";
