-- Grain: one row per raw row of products.
{{ base_model('products') }}
