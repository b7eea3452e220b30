"""The one SQL statement of a search, and the figures that rank it.

Relevance is evidence, counted in nats (natural logarithms of how unlikely a coincidence is), so that likeness in
meaning and shared words add up without a scale between them, and neither lowers what the other found:

- meaning: how far a cosine stands out among this patient's, in standard deviations z: -ln(1 - Phi(z)), by an
  approximation that is 0 for z <= 0;
- words: the sum of the weights of shared words, each times its ln(inverse document frequency) with this patient; or
  of the topic that the words name, if it says more.
"""

from memories.choices import Category, Priority
from memories.search.results import PARTS, row_columns

#: How much the evidence of meaning counts beside that of words: neighbouring sentences share meaning, not chance.
MEANING = 0.8
#: How much a topic counts beside the words that name it.
TOPIC = 0.85
#: What unrelated sentences look like: mean and spread of their cosines, counted like so many memories more. With
#: few memories a spread of their own says nothing.
PRIOR_MEAN, PRIOR_SPREAD, PRIOR_COUNT = 0.12, 0.11, 10
#: Memories that either half brings forward, at least.
CANDIDATES = 100
#: A hit has this share of the best hit's evidence, or it is not relevant.
RELEVANT_SHARE = 0.2
#: A critical item with this share of it comes to the front.
PROMOTED_SHARE = 0.7
#: Nats at which relevance_score is 1 - 1/e.
SCORE_SCALE = 4.0
#: How much recency and importance can add to a score, as a share of it.
RECENCY, IMPORTANCE = 0.1, 0.15
#: Days after which a memory's recency has halved. An allergy does not age.
HALF_LIFE_DAYS = {
    Category.MEDICATION: 365,
    Category.MEDICAL_HISTORY: 3650,
    Category.PREFERENCE: 365,
    Category.OBSERVATION: 60,
    Category.APPOINTMENT: 30,
}
PRIORITY_WEIGHT = {Priority.CRITICAL: 1.0, Priority.HIGH: 0.6, Priority.NORMAL: 0.0}

_CASES = " ".join(
    f"WHEN '{category}' THEN exp(-0.693147 * age / {days})" for category, days in HALF_LIFE_DAYS.items()
)
_PRIORITIES = " ".join(f"WHEN '{priority}' THEN {weight}" for priority, weight in PRIORITY_WEIGHT.items())

#: Parameters: pieces, topics, topic_pieces (numbers from 1), embedding, patient, model, limit. `{{passes}}` is the
#: filter on `memory_id`.
STATEMENT = f"""
WITH asked AS (
    SELECT lexeme, min(piece) AS piece, false AS is_topic
    FROM unnest(%(pieces)s::text[]) WITH ORDINALITY AS pieces (text, piece), unnest(to_tsvector('english', text))
    GROUP BY lexeme
    UNION ALL
    SELECT lexeme, piece, true FROM unnest(%(topics)s::text[], %(topic_pieces)s::int[]) AS topics (lexeme, piece)
), meant AS MATERIALIZED (
    SELECT memory_id, 1 - (embedding <=> %(embedding)s::halfvec) AS cosine
    FROM memories_memoryindex WHERE patient_id = %(patient)s AND embedding_model = %(model)s
), norm AS (
    SELECT count(*) AS memories,
           (coalesce(sum(cosine), 0) + {PRIOR_COUNT * PRIOR_MEAN}) / (count(cosine) + {PRIOR_COUNT}) AS mean,
           sqrt((coalesce(var_pop(cosine) * count(cosine), 0) + {PRIOR_COUNT * PRIOR_SPREAD**2})
                / (count(cosine) + {PRIOR_COUNT})) AS spread
    FROM meant
), said AS MATERIALIZED (
    SELECT memory_id, lexeme, piece, is_topic, weight
    FROM asked JOIN memories_memoryword USING (lexeme) WHERE patient_id = %(patient)s
), rarity AS (
    SELECT lexeme, piece, ln(1 + (greatest(max(memories) - count(*), 0) + 0.5) / (count(*) + 0.5)) AS nats
    FROM said, norm GROUP BY lexeme, piece
), met AS (
    SELECT memory_id, greatest(sum(weight * nats) FILTER (WHERE NOT is_topic),
                               {TOPIC} * max(weight * nats) FILTER (WHERE is_topic)) AS nats
    FROM said JOIN rarity USING (lexeme, piece) GROUP BY memory_id, piece
), worded AS MATERIALIZED (
    SELECT memory_id, sum(nats) AS nats FROM met GROUP BY memory_id
), candidates AS (
    (SELECT memory_id FROM meant WHERE cosine IS NOT NULL AND {{passes}}
     ORDER BY cosine DESC LIMIT %(limit)s + {CANDIDATES})
    UNION
    (SELECT memory_id FROM worded WHERE {{passes}} ORDER BY nats DESC LIMIT %(limit)s + {CANDIDATES})
), weighed AS (
    SELECT memory_id, coalesce(cosine, 0) AS cosine, coalesce(worded.nats, 0) AS words,
           {MEANING} * (0.717 * z + 0.416 * z * z) AS meaning
    FROM candidates
    LEFT JOIN meant USING (memory_id) LEFT JOIN worded USING (memory_id), norm,
    LATERAL (SELECT greatest(coalesce((cosine - mean) / spread, 0), 0) AS z) standing
), found AS (
    SELECT weighed.*, m.category, words + meaning AS evidence, max(words + meaning) OVER () AS most,
           CASE m.category {_CASES} ELSE 1 END AS recency,
           least(1, (CASE m.priority {_PRIORITIES} ELSE 0 END) * 0.5
                    + (m.verification_status = 'confirmed')::int * 0.2
                    + least(ln(m.times_said) / ln(10), 1) * 0.2 + m.emotional_weight * 0.1) AS importance
    FROM weighed
    JOIN memories_memory m ON m.id = memory_id AND m.patient_id = %(patient)s,
    LATERAL (SELECT greatest(extract(epoch FROM now() - m.last_said_at) / 86400, 0)::float AS age) said
    WHERE m.deleted_at IS NULL AND m.superseded_by_id IS NULL
      AND m.verification_status IN ('unconfirmed', 'confirmed') AND (m.expires_at IS NULL OR m.expires_at > now())
), ranked AS (
    SELECT found.*, evidence * (1 + {RECENCY} * recency + {IMPORTANCE} * importance) AS score,
           (category IN ('allergy', 'medication') AND evidence >= {PROMOTED_SHARE} * most)::int AS promoted,
           count(*) OVER () AS total
    FROM found WHERE evidence > 0 AND evidence >= {RELEVANT_SHARE} * most
)
SELECT {row_columns()}, 1 - exp(-score / {SCORE_SCALE}), {", ".join(PARTS)}, total
FROM (SELECT * FROM ranked ORDER BY promoted DESC, score DESC, memory_id LIMIT %(limit)s) best
JOIN memories_memory m ON m.id = memory_id
LEFT JOIN memories_allergydetail allergy ON allergy.memory_id = m.id
LEFT JOIN memories_medicationdetail medication ON medication.memory_id = m.id
ORDER BY promoted DESC, score DESC, best.memory_id
"""
