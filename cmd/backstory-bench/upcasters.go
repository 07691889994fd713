package main

// upcasters is a chain of three steps for the half of the events that are
// Order.ItemAdded, written at schema version 3: fields are renamed, cast,
// given defaults, moved, dropped and computed.
const upcasters = `upcasters:
  - event: Order.ItemAdded
    from: 3
    do:
      - rename: {tags: labels}
      - cast: {line.weight: {decimal: [10, 3]}}
      - default: {currency: EUR}
  - event: Order.ItemAdded
    from: 4
    do:
      - move: {line.sku: product.sku, line.title: product.title}
      - rename: {reservation: reservation_id}
      - drop: [stock.shelf]
  - event: Order.ItemAdded
    from: 5
    do:
      - set: {bulk: data.line.quantity >= 5}
      - copy: {stock.warehouse: warehouse}
      - drop: [stock]
`
