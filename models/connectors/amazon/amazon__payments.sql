-- Grain: one row per sale or refund of an item in the date range report.

with

export_rows as (
    {{ exported('amazon.transactions') }}
),

-- reports may overlap, and a payment has no key
newest as (
    select
        *,
        {{ is_of_newest_file('order_id, type, paid_at, sku') }} as is_newest,
        abs(coalesce(promotional_rebates, 0)) as rebates,
        abs(coalesce(shipping_credits, 0)) as shipping
    from export_rows
)

select
    {{ source_key('order_id') }} as order_id,
    source_name,
    raw_file_name,
    file_row,
    paid_at,
    lower(trim(type)) = 'order' as is_sale,
    coalesce(sku, description) as product_id,
    description as product_name,
    abs(quantity) as quantity,
    lower(marketplace) as marketplace,
    case
        when lower(marketplace) like '%amazon.com' then 'USD'
        when lower(marketplace) like '%amazon.ca' then 'CAD'
        when lower(marketplace) like '%amazon.com.mx' then 'MXN'
        when lower(marketplace) like '%amazon.com.br' then 'BRL'
        when lower(marketplace) like '%amazon.co.uk' then 'GBP'
        when {{ matches('lower(marketplace)', '[.](de|fr|it|es|nl|ie|com[.]be)$') }} then 'EUR'
        when lower(marketplace) like '%amazon.se' then 'SEK'
        when lower(marketplace) like '%amazon.pl' then 'PLN'
        when lower(marketplace) like '%amazon.com.tr' then 'TRY'
        when lower(marketplace) like '%amazon.in' then 'INR'
        when lower(marketplace) like '%amazon.co.jp' then 'JPY'
        when lower(marketplace) like '%amazon.com.au' then 'AUD'
        when lower(marketplace) like '%amazon.sg' then 'SGD'
        when lower(marketplace) like '%amazon.ae' then 'AED'
        when lower(marketplace) like '%amazon.sa' then 'SAR'
        when lower(marketplace) like '%amazon.eg' then 'EGP'
        when lower(marketplace) like '%amazon.co.za' then 'ZAR'
    end as currency,
    case when lower(trim(type)) = 'order' then product_sales else -product_sales end as amount,
    -- a promotion as large as the price of the delivery makes that free
    rebates - case when rebates >= shipping then shipping else 0 end as discount_amount,
    product_sales_tax as tax_amount
from newest
where is_newest and product_sales <> 0
