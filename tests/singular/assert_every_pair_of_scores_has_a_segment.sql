-- The seed names each of the 25 pairs of a recency score and a frequency score.
select count(*) as pairs
from {{ ref('rfm_segments') }}
having count(*) <> 25
