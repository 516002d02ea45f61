/* SPDX-License-Identifier: MIT */
/*
 * seed.c: the data to begin with, made inside the database.
 *
 * The same number of parts always gives the same catalogue: ids, names and quantities follow from
 * the row's number n alone. Only the days of use count back from today, since suggestions look
 * at the last 90 days. The primes spread the values so that neighbours differ.
 */
#include <stddef.h>

#include "schema.h"

const char *const parts_seed_sql[] = {
    "INSERT INTO organisations (name, kind)"
    " SELECT 'Supplier ' || n, 'supplier' FROM generate_series(1, 20) AS n"
    " UNION ALL SELECT 'Customer ' || n, 'customer' FROM generate_series(1, 50) AS n"
    " UNION ALL SELECT 'Head office', 'own' WHERE $1::bigint >= 0",

    "INSERT INTO warehouses (organisation_id, name, is_central)"
    " SELECT o.id, w.name, w.name = 'Central' FROM organisations AS o, unnest(ARRAY['Central',"
    " 'North', 'South', 'East', 'West']) WITH ORDINALITY AS w(name, rank)"
    " WHERE o.kind = 'own' AND $1::bigint >= 0 ORDER BY w.rank",

    "INSERT INTO parts (part_number, name, names, description, part_type, is_proprietary,"
    " unit_of_measure, manufacturer, supplier_id, unit_price, created_at, updated_at)"
    " SELECT k.code || '-' || lpad(n::text, 6, '0'),"
    " k.en || ' ' || size, jsonb_build_object('de', k.de || ' ' || size,"
    " 'es', k.es || ' ' || size, 'fr', k.fr || ' ' || size, 'el', k.el || ' ' || size),"
    " CASE WHEN n % 3 <> 0 THEN k.en || ' for series ' || (100 + n * 7919 % 400)"
    " || ' machines, ' || (ARRAY['steel', 'brass', 'rubber', 'nylon'])[1 + n * 31 % 4] END,"
    " k.type, n * 104729 % 10 < 3, k.unit,"
    " (ARRAY['Nordwerk', 'Aquila', 'Ferrum', 'Kappa', 'Lumen', 'Meridian', 'Orion', 'Vega'])"
    "[1 + n * 13 % 8],"
    " CASE WHEN n % 11 <> 0 THEN 1 + n * 17 % 20 END, (50 + n * 7919 % 100000)::numeric / 100,"
    " stamp, stamp FROM generate_series(1, $1::bigint) AS n"
    " JOIN (VALUES"
    " (0, 'OF', 'Oil filter', 'Ölfilter', 'Filtro de aceite', 'Filtre à huile', 'Φίλτρο λαδιού',"
    " 'consumable', 'pieces'),"
    " (1, 'AF', 'Air filter', 'Luftfilter', 'Filtro de aire', 'Filtre à air', 'Φίλτρο αέρα',"
    " 'consumable', 'pieces'),"
    " (2, 'VB', 'V-belt', 'Keilriemen', 'Correa trapezoidal', 'Courroie trapézoïdale',"
    " 'Τραπεζοειδής ιμάντας', 'wear_part', 'pieces'),"
    " (3, 'BB', 'Ball bearing', 'Kugellager', 'Rodamiento de bolas', 'Roulement à billes',"
    " 'Ρουλεμάν', 'wear_part', 'pieces'),"
    " (4, 'HO', 'Hydraulic oil', 'Hydrauliköl', 'Aceite hidráulico', 'Huile hydraulique',"
    " 'Υδραυλικό λάδι', 'bulk_material', 'litres'),"
    " (5, 'GR', 'Grease', 'Schmierfett', 'Grasa', 'Graisse', 'Γράσο', 'bulk_material', 'kg'),"
    " (6, 'SP', 'Spark plug', 'Zündkerze', 'Bujía', 'Bougie', 'Μπουζί', 'consumable', 'pieces'),"
    " (7, 'BR', 'Brush', 'Bürste', 'Cepillo', 'Brosse', 'Βούρτσα', 'wear_part', 'pieces'),"
    " (8, 'GK', 'Gasket', 'Dichtung', 'Junta', 'Joint', 'Φλάντζα', 'consumable', 'pieces'),"
    " (9, 'TW', 'Torque wrench', 'Drehmomentschlüssel', 'Llave dinamométrica',"
    " 'Clé dynamométrique', 'Δυναμόκλειδο', 'tool', 'pieces'))"
    " AS k(number, code, en, de, es, fr, el, type, unit) ON k.number = n % 10"
    " CROSS JOIN LATERAL (SELECT (4 + n * 37 % 96) || ' mm' AS size,"
    " timestamptz '2024-01-01 00:00:00+00' + n * interval '1 minute' AS stamp) AS derived"
    " ORDER BY n",

    /* Every part lies in the central warehouse, many in others too; one in eight is low. */
    "INSERT INTO inventory (part_id, warehouse_id, quantity, minimum_level)"
    " SELECT p.id, w.id, CASE WHEN (p.id * 31 + w.id * 7) % 8 = 0 THEN (p.id * 13 + w.id) % 10"
    " ELSE 20 + (p.id * 7919 + w.id * 104729) % 480 END,"
    " 10 + (p.id + w.id * 3) % 10 FROM parts AS p CROSS JOIN warehouses AS w"
    " WHERE (w.is_central OR (p.id + w.id) % 3 = 0) AND $1::bigint >= 0 ORDER BY p.id, w.id",

    /* Every other part has been used, up to 12 times within two years. */
    "INSERT INTO usage_history (part_id, warehouse_id, organisation_id, quantity, used_at)"
    " SELECT p.id, i.warehouse_id, o.id, 1 + (p.id * 7 + use * 3) % 6,"
    " date_trunc('day', now(), 'UTC')"
    " - ((p.id * 37 + use * 61) % 730) * interval '1 day' - use * interval '1 hour'"
    " FROM parts AS p CROSS JOIN LATERAL generate_series(1, 1 + p.id * 5 % 12) AS use"
    " JOIN (SELECT w.id AS warehouse_id FROM warehouses AS w WHERE w.is_central) AS i ON true"
    " JOIN (SELECT c.id, row_number() OVER (ORDER BY c.id) AS rank FROM organisations AS c"
    " WHERE c.kind = 'customer') AS o ON o.rank = 1 + (p.id * 11 + use * 7) % 50"
    " WHERE p.id % 2 = 0 AND $1::bigint >= 0 ORDER BY p.id, use",
    NULL,
};
