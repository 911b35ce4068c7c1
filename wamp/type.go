package wamp

import "strconv"

// MessageType is the integer that opens every message on the wire (MSG-01).
type MessageType uint16

// The message types of the protocol, by their code.
const (
	TypeHello         MessageType = 1
	TypeWelcome       MessageType = 2
	TypeAbort         MessageType = 3
	TypeChallenge     MessageType = 4
	TypeAuthenticate  MessageType = 5
	TypeGoodbye       MessageType = 6
	TypeError         MessageType = 8
	TypePublish       MessageType = 16
	TypePublished     MessageType = 17
	TypeSubscribe     MessageType = 32
	TypeSubscribed    MessageType = 33
	TypeUnsubscribe   MessageType = 34
	TypeUnsubscribed  MessageType = 35
	TypeEvent         MessageType = 36
	TypeCall          MessageType = 48
	TypeCancel        MessageType = 49
	TypeResult        MessageType = 50
	TypeRegister      MessageType = 64
	TypeRegistered    MessageType = 65
	TypeUnregister    MessageType = 66
	TypeUnregistered  MessageType = 67
	TypeInvocation    MessageType = 68
	TypeInterrupt     MessageType = 69
	TypeYield         MessageType = 70
	TypeEventReceived MessageType = 337 // provisional extension: read and ignored (MSG-13, ACK-01)
)

var typeNames = map[MessageType]string{
	TypeHello: "HELLO", TypeWelcome: "WELCOME", TypeAbort: "ABORT", TypeChallenge: "CHALLENGE",
	TypeAuthenticate: "AUTHENTICATE", TypeGoodbye: "GOODBYE", TypeError: "ERROR",
	TypePublish: "PUBLISH", TypePublished: "PUBLISHED",
	TypeSubscribe: "SUBSCRIBE", TypeSubscribed: "SUBSCRIBED",
	TypeUnsubscribe: "UNSUBSCRIBE", TypeUnsubscribed: "UNSUBSCRIBED", TypeEvent: "EVENT",
	TypeCall: "CALL", TypeCancel: "CANCEL", TypeResult: "RESULT",
	TypeRegister: "REGISTER", TypeRegistered: "REGISTERED",
	TypeUnregister: "UNREGISTER", TypeUnregistered: "UNREGISTERED",
	TypeInvocation: "INVOCATION", TypeInterrupt: "INTERRUPT", TypeYield: "YIELD",
	TypeEventReceived: "EVENT_RECEIVED",
}

// String returns the specification's name, such as "CALL", or the number of a type that it does not define.
func (t MessageType) String() string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return strconv.Itoa(int(t))
}

// Known reports whether the protocol defines the type.
func (t MessageType) Known() bool {
	_, ok := typeNames[t]
	return ok
}

// FromClient reports whether a client may send the type to a router (requirements section 1.1, PER-05).
func (t MessageType) FromClient() bool {
	switch t {
	case TypeHello, TypeAbort, TypeAuthenticate, TypeGoodbye, TypeError, TypePublish, TypeSubscribe, TypeUnsubscribe,
		TypeCall, TypeCancel, TypeRegister, TypeUnregister, TypeYield, TypeEventReceived:
		return true
	default:
		return false
	}
}

// FromRouter reports whether a router may send the type to a client (requirements section 1.1, PER-06).
func (t MessageType) FromRouter() bool {
	switch t {
	case TypeWelcome, TypeAbort, TypeChallenge, TypeGoodbye, TypeError, TypePublished, TypeSubscribed, TypeUnsubscribed,
		TypeEvent, TypeResult, TypeRegistered, TypeUnregistered, TypeInvocation, TypeInterrupt:
		return true
	default:
		return false
	}
}
