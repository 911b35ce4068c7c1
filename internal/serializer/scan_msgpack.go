package serializer

import "github.com/tandemrouter/tandem/internal/serializer/format"

var messagePackSyntax = makeSyntax(messagePackShape)

func messagePackShape(c byte) shape {
	switch {
	case c < format.MsgpackFixMap:
		return shape{class: leaf, n: 1, kind: isNumber}
	case c < format.MsgpackFixArray:
		return shape{class: few, n: 2 * (c & 0xf), kind: isDict}
	case c < format.MsgpackFixStr:
		return shape{class: few, n: c & 0xf, kind: isList}
	case c < format.MsgpackNil:
		return shape{class: leaf, n: 1 + c&0x1f, kind: isText}
	case c < format.MsgpackNegFix:
		return messagePackLongShapes[c-format.MsgpackNil]
	default:
		return shape{class: leaf, n: 1}
	}
}

// messagePackLongShapes are those of the first bytes from nil on that stand for one type each.
var messagePackLongShapes = [format.MsgpackNegFix - format.MsgpackNil]shape{
	{class: leaf, n: 1, kind: isNull},
	{class: reserved},
	{class: leaf, n: 1, kind: isFalse},
	{class: leaf, n: 1, kind: isTrue},
	{class: sized, n: 1}, {class: sized, n: 2}, {class: sized, n: 4}, // bin
	{class: sized, n: 1, m: 1}, {class: sized, n: 2, m: 1}, {class: sized, n: 4, m: 1}, // ext and its type
	{class: leaf, n: 5, kind: isNumber}, {class: leaf, n: 9, kind: isNumber}, // float
	{class: leaf, n: 2, kind: isNumber}, {class: leaf, n: 3, kind: isNumber}, // uint
	{class: leaf, n: 5, kind: isNumber}, {class: leaf, n: 9, kind: isNumber},
	{class: leaf, n: 2, kind: isNumber}, {class: leaf, n: 3, kind: isNumber}, // int
	{class: leaf, n: 5, kind: isNumber}, {class: leaf, n: 9, kind: isNumber},
	{class: leaf, n: 3, kind: mayBeNull}, // fixext and its type
	{class: leaf, n: 4}, {class: leaf, n: 6}, {class: leaf, n: 10}, {class: leaf, n: 18},
	{class: sized, n: 1, kind: isText}, {class: sized, n: 2, kind: isText}, {class: sized, n: 4, kind: isText},
	{class: counted, n: 2, m: 1, kind: isList}, {class: counted, n: 4, m: 1, kind: isList},
	{class: counted, n: 2, m: 2, kind: isDict}, {class: counted, n: 4, m: 2, kind: isDict},
}
