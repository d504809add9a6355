package fakeaws

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
	iamNamespace = "https://iam.amazonaws.com/doc/2010-05-08/"
	iamVersion   = "2010-05-08"
)

// queryOperations are the supported operations of STS and IAM.
var queryOperations = map[string]operation{
	"GetCallerIdentity":         {"sts", false, (*AWS).callerIdentity},
	"GetSessionToken":           {"sts", false, (*AWS).sessionToken},
	"GetFederationToken":        {"sts", false, (*AWS).federationToken},
	"AssumeRole":                {"sts", false, (*AWS).assumeRole},
	"AssumeRoleWithWebIdentity": {"sts", true, (*AWS).assumeRoleWithWebIdentity},

	"GetUser":                {"iam", false, (*AWS).userOf},
	"ListAccessKeys":         {"iam", false, (*AWS).listAccessKeys},
	"CreateAccessKey":        {"iam", false, (*AWS).createAccessKey},
	"UpdateAccessKey":        {"iam", false, (*AWS).updateAccessKey},
	"DeleteAccessKey":        {"iam", false, (*AWS).deleteAccessKey},
	"GetAccessKeyLastUsed":   {"iam", false, (*AWS).accessKeyLastUsed},
	"CreateVirtualMFADevice": {"iam", false, (*AWS).createVirtualMFADevice},
	"EnableMFADevice":        {"iam", false, (*AWS).enableMFADevice},
	"ListMFADevices":         {"iam", false, (*AWS).listMFADevices},
	"ListVirtualMFADevices":  {"iam", false, (*AWS).listVirtualMFADevices},
	"DeactivateMFADevice":    {"iam", false, (*AWS).deactivateMFADevice},
	"DeleteVirtualMFADevice": {"iam", false, (*AWS).deleteVirtualMFADevice},
}

// members parses a list in the parameters of the query protocol: name.member.1.field, name.member.2.field and so on.
// For each member, it returns the values of the given fields. The field "" means the member itself. The list ends at
// the first missing number.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
func members(params url.Values, name string, fields ...string) [][]string {
	var list [][]string
	for i := 1; ; i++ {
		at := name + ".member." + strconv.Itoa(i)
		var values []string
		there := false
		for _, field := range fields {
			key := at
			if field != "" {
				key += "." + field
			}
			there = there || params.Has(key)
			values = append(values, params.Get(key))
		}
		if !there {
			return list
		}
		list = append(list, values)
	}
}

// queryAnswer encodes a response in the format of the query protocol. If result is nil, the response has no result
// element.
func queryAnswer(r *request, result any, no *refusal, id string) answer {
	namespace := stsNamespace
	if r.service == "iam" {
		namespace = iamNamespace
	}
	var out bytes.Buffer // writing to a buffer cannot fail, so errors of the encoder are ignored
	e := xml.NewEncoder(&out)
	status := http.StatusOK
	if no != nil {
		status = no.status
		writeError(e, namespace, no, id)
	} else {
		writeResult(e, namespace, r.action, result, id)
	}
	_ = e.Close()
	return answer{status, http.Header{"Content-Type": {"text/xml"}}, out.Bytes()}
}

func writeResult(e *xml.Encoder, namespace, action string, result any, id string) {
	root := element(action+"Response", namespace)
	_ = e.EncodeToken(root)
	if result != nil {
		_ = e.EncodeElement(result, element(action+"Result", ""))
	}
	_ = e.EncodeElement(struct{ RequestId string }{id}, element("ResponseMetadata", ""))
	_ = e.EncodeToken(root.End())
}

func writeError(e *xml.Encoder, namespace string, no *refusal, id string) {
	kind := "Sender"
	if no.status >= 500 {
		kind = "Receiver"
	}
	root := element("ErrorResponse", namespace)
	_ = e.EncodeToken(root)
	_ = e.EncodeElement(struct{ Type, Code, Message string }{kind, no.code, no.message}, element("Error", ""))
	_ = e.EncodeElement(id, element("RequestId", ""))
	_ = e.EncodeToken(root.End())
}

func element(name, namespace string) xml.StartElement {
	start := xml.StartElement{Name: xml.Name{Local: name}}
	if namespace != "" {
		start.Attr = []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}}
	}
	return start
}

// stamp formats a time as the query protocol requires.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
