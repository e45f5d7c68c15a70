-- Grain: one row per accepted row of products.
{{ staging_model('products') }}
