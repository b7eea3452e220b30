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
#: Memories weighed beside those that are asked for: recency, importance and promotion change places among them.
CANDIDATES = 60
#: A hit has this share of the best hit's evidence; and so many nats, if it shares no word with the question.
RELEVANT_SHARE, RELEVANT_NATS = 0.25, 0.5
#: A critical item with this share of it and so many nats comes to the front.
PROMOTED_SHARE, PROMOTED_NATS = 0.7, 2.0
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

_CASES = " ".join(f"WHEN '{category}' THEN exp(-0.693147 * age / {days})" for category, days in HALF_LIFE_DAYS.items())
_PRIORITIES = " ".join(f"WHEN '{priority}' THEN {weight}" for priority, weight in PRIORITY_WEIGHT.items())

#: Parameters: pieces, topics, topic_pieces (numbers from 1), embedding, patient, model, limit. `{{passes}}` adds a
#: filter on `memory_id`; what it leaves is visited from the most evident on, until enough are live.
STATEMENT = f"""
WITH asked AS MATERIALIZED (
    SELECT row_number() OVER () AS term, terms.* FROM (
        SELECT lexeme, min(piece) AS piece, false AS is_topic
        FROM unnest(%(pieces)s::text[]) WITH ORDINALITY AS pieces (text, piece),
             unnest(to_tsvector('english', translate(text, '/', ' ')))
        GROUP BY lexeme
        UNION ALL
        SELECT lexeme, piece, true FROM unnest(%(topics)s::text[], %(topic_pieces)s::int[]) AS topics (lexeme, piece)
    ) terms
), meant AS MATERIALIZED (
    SELECT memory_id, 1 - (embedding <=> %(embedding)s::halfvec) AS cosine
    FROM memories_memoryindex WHERE patient_id = %(patient)s AND embedding_model = %(model)s
), norm AS (
    SELECT count(*)::float AS memories,
           (coalesce(sum(cosine), 0) + {PRIOR_COUNT * PRIOR_MEAN}) / (count(cosine) + {PRIOR_COUNT}) AS mean,
           sqrt((coalesce(var_pop(cosine) * count(cosine), 0) + {PRIOR_COUNT * PRIOR_SPREAD**2})
                / (count(cosine) + {PRIOR_COUNT})) AS spread
    FROM meant
), said AS MATERIALIZED (
    SELECT memory_id, term, weight
    FROM asked JOIN memories_memoryword USING (lexeme) WHERE patient_id = %(patient)s
), rarity AS MATERIALIZED (
    SELECT term, piece, is_topic, ln(1 + (greatest(memories - with_term, 0) + 0.5) / (with_term + 0.5)) AS nats
    FROM (SELECT term, count(*)::float AS with_term FROM said GROUP BY term) counted JOIN asked USING (term), norm
), met AS (
    SELECT memory_id, greatest(sum(weight * nats) FILTER (WHERE NOT is_topic),
                               {TOPIC} * max(weight * nats) FILTER (WHERE is_topic)) AS nats
    FROM said JOIN rarity USING (term) GROUP BY memory_id, piece
), worded AS (
    SELECT memory_id, sum(nats) AS words FROM met GROUP BY memory_id
), weighed AS (
    SELECT memory_id, coalesce(cosine, 0) AS cosine, coalesce(words, 0) AS words,
           {MEANING} * coalesce(0.717 * z + 0.416 * z * z, 0) AS meaning
    FROM (SELECT memory_id, cosine, greatest((cosine - mean) / spread, 0) AS z FROM meant, norm) standing
    FULL JOIN worded USING (memory_id)
), evident AS (
    SELECT *, words + meaning AS evidence FROM weighed
    WHERE (words > 0 OR meaning >= {RELEVANT_NATS}) {{passes}}
    ORDER BY evidence DESC
), candidates AS (
    SELECT * FROM evident, LATERAL (
        SELECT memory.*, CASE category {_CASES} ELSE 1 END AS recency,
               least(1, (CASE priority {_PRIORITIES} ELSE 0 END) * 0.5
                        + (verification_status = 'confirmed')::int * 0.2
                        + least(ln(times_said) / ln(10), 1) * 0.2 + emotional_weight * 0.1) AS importance
        FROM memories_memory memory, greatest(extract(epoch FROM now() - last_said_at)::float / 86400, 0) AS age
        WHERE memory.id = memory_id AND patient_id = %(patient)s AND deleted_at IS NULL AND superseded_by_id IS NULL
          AND verification_status IN ('unconfirmed', 'confirmed') AND (expires_at IS NULL OR expires_at > now())
        OFFSET 0
    ) memory
    ORDER BY evidence DESC LIMIT %(limit)s + {CANDIDATES}
), found AS (
    SELECT *, max(evidence) OVER () AS most FROM candidates
), ranked AS (
    SELECT *, evidence * (1 + {RECENCY} * recency + {IMPORTANCE} * importance) AS score,
           (category IN ('allergy', 'medication')
            AND evidence >= greatest({PROMOTED_SHARE} * most, {PROMOTED_NATS}))::int AS promoted,
           count(*) OVER () AS total
    FROM found WHERE evidence >= {RELEVANT_SHARE} * most
    ORDER BY promoted DESC, score DESC, memory_id LIMIT %(limit)s
)
SELECT {row_columns()}, 1 - exp(-score / {SCORE_SCALE}), {", ".join(PARTS)}, total
FROM ranked m
LEFT JOIN memories_allergydetail allergy ON allergy.memory_id = m.id
LEFT JOIN memories_medicationdetail medication ON medication.memory_id = m.id
ORDER BY promoted DESC, score DESC, m.memory_id
"""  # noqa: S608 because what is put in are figures and column names of ours
