package serializer

import "github.com/tandemrouter/tandem/internal/serializer/format"

var messagePackSyntax = makeSyntax(messagePackShape)

func messagePackShape(c byte) shape {
	switch {
	case c < format.MsgpackFixMap:
		return shape{class: leaf, a: 1, kind: isNumber}
	case c < format.MsgpackFixArray:
		return shape{class: few, a: 2 * (c & 0xf), kind: isDict}
	case c < format.MsgpackFixStr:
		return shape{class: few, a: c & 0xf, kind: isList}
	case c < format.MsgpackNil:
		return shape{class: leaf, a: 1 + c&0x1f, kind: isText}
	case c < format.MsgpackNegFix:
		return messagePackLongShapes[c-format.MsgpackNil]
	default:
		return shape{class: leaf, a: 1}
	}
}

// messagePackLongShapes are those of the first bytes from nil on that stand for one type each.
var messagePackLongShapes = [format.MsgpackNegFix - format.MsgpackNil]shape{
	{class: leaf, a: 1, kind: isNull},
	{class: reserved},
	{class: leaf, a: 1, kind: isFalse},
	{class: leaf, a: 1, kind: isTrue},
	{class: sized, a: 1}, {class: sized, a: 2}, {class: sized, a: 4}, // bin
	{class: sized, a: 1, b: 1}, {class: sized, a: 2, b: 1}, {class: sized, a: 4, b: 1}, // ext and its type
	{class: leaf, a: 5, kind: isNumber}, {class: leaf, a: 9, kind: isNumber}, // float
	{class: leaf, a: 2, kind: isNumber}, {class: leaf, a: 3, kind: isNumber}, // uint
	{class: leaf, a: 5, kind: isNumber}, {class: leaf, a: 9, kind: isNumber},
	{class: leaf, a: 2, kind: isNumber}, {class: leaf, a: 3, kind: isNumber}, // int
	{class: leaf, a: 5, kind: isNumber}, {class: leaf, a: 9, kind: isNumber},
	{class: leaf, a: 3, kind: mayBeNull}, // fixext and its type
	{class: leaf, a: 4}, {class: leaf, a: 6}, {class: leaf, a: 10}, {class: leaf, a: 18},
	{class: sized, a: 1, kind: isText}, {class: sized, a: 2, kind: isText}, {class: sized, a: 4, kind: isText},
	{class: counted, a: 2, b: 1, kind: isList}, {class: counted, a: 4, b: 1, kind: isList},
	{class: counted, a: 2, b: 2, kind: isDict}, {class: counted, a: 4, b: 2, kind: isDict},
}
