# Made the JSON files beside this file: problems of this project's own in the layouts of the data sets. python3 jsonl.py
import base64
import json
import pickle
import zlib


def lines(file, rows):
    with open(file, "w") as f:
        f.writelines(json.dumps(r) + "\n" for r in rows)


lines("MATH-500/test.jsonl", [
    {"problem": "Compute $\\frac{1}{2} + \\frac{1}{3}$.", "solution": "The sum is $\\boxed{\\frac{5}{6}}$.", "answer": "\\frac{5}{6}",
     "subject": "Prealgebra", "level": 1, "unique_id": "test/prealgebra/1.json"},
    {"problem": "Solve $2x = 14$.", "solution": "$x = \\boxed{7}$", "answer": "7", "subject": "Algebra", "level": 1,
     "unique_id": "test/algebra/2.json"},
    {"problem": "What is $3^4$?", "solution": "$\\boxed{81}$", "answer": "81", "subject": "Algebra", "level": 2,
     "unique_id": "test/algebra/3.json"}])


def private(tests):
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


def problem(number, title, content, starter, public, hidden, metadata):
    return {"question_title": title, "question_content": content, "platform": "leetcode" if starter else "atcoder", "question_id": number,
            "contest_id": "own", "contest_date": "2025-01-0%dT00:00:00" % (int(number[-1]) + 1), "starter_code": starter,
            "difficulty": "easy", "public_test_cases": json.dumps(public), "private_test_cases": hidden, "metadata": json.dumps(metadata)}


stdin = lambda i, o: {"input": i, "output": o, "testtype": "stdin"}
call = lambda i, o: {"input": i, "output": o, "testtype": "functional"}
lines("code_generation_lite/test.jsonl", [
    problem("own_0", "Sum", "Print the sum of the numbers in the second line. The first line is their number.", "",
            [stdin("3\n1 2 3\n", "6\n")], private([stdin("1\n-5\n", "-5\n"), stdin("2\n0.5 0.25\n", "0.75\n")]), {}),
    problem("own_1", "Longest", "Return the longest word.", "class Solution:\n    def longest(self, words: List[str], n: int) -> str:\n        ",
            [call("[\"a\", \"bcd\"]\n2", "\"bcd\"")], private([call("[\"x\"]\n1", "\"x\"")]), {"func_name": "longest"})])
lines("code_generation_lite/test2.jsonl", [
    problem("own_2", "Echo", "Print the input.", "", [stdin("a\n", "a")], json.dumps([stdin("b\n", "b")]), {})])
lines("cruxeval/test.jsonl", [
    {"code": "def f(x):\n    return [y * 2 for y in x]", "input": "[1, 2]", "output": "[2, 4]", "id": "sample_0"},
    {"code": "def f(s):\n    return s.upper() + '\\n'", "input": "'ab'", "output": "'AB\\n'", "id": "sample_1"},
    {"code": "def f(d):\n    return {v: k for k, v in d.items()}", "input": "{'a': 1, 'b': 2}", "output": "{1: 'a', 2: 'b'}", "id": "sample_2"}])
questions = ["Name three colours.", "Why is the sky blue?", "Write a haiku about rain.", "What is 2 + 2?"]
with open("alpaca_eval/alpaca_eval.json", "w") as f:
    json.dump([{"instruction": q, "output": "davinci %d" % i, "generator": "text_davinci_003", "dataset": "own"} for i, q in enumerate(questions)],
              f, indent=2)
with open("alpaca_eval/alpaca_eval_gpt4_baseline.json", "w") as f:
    json.dump([{"instruction": q, "output": "A careful answer to: " + q, "generator": "gpt4_1106_preview", "dataset": "own"} for q in questions],
              f, indent=2)
with open("pickles.json", "w") as f:
    text = "tests ü \u4e2d \U0001f600 \\ \n [1]"
    json.dump({"text": text, "pickles": {str(p): base64.b64encode(pickle.dumps(text, p)).decode() for p in range(6)},
               "long": base64.b64encode(pickle.dumps("x" * 300, 4)).decode(),
               "refused": {name: base64.b64encode(data).decode() for name, data in {
                   "list": pickle.dumps(["x"]), "bytes": pickle.dumps(b"x"), "int": pickle.dumps(1), "none": pickle.dumps(None),
                   "system": b"cos\nsystem\n(S'true'\ntR.", "system4": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
                   "build": b"\x80\x04\x8c\x01xb.", "truncated": pickle.dumps("x")[:-1], "empty": b"", "stop": b".",
                   "hugelength": b"\x80\x04\x8d" + b"\xff" * 8 + b"x.", "two": b"\x80\x04\x8c\x01a\x8c\x01b.",
                   "protocol": b"\x80\x63\x8c\x01a."}.items()}}, f, indent=1)
